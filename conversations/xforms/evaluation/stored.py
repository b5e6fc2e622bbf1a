"""Write a frame as JSON-able data, and read it back."""

from collections.abc import Mapping
from typing import Any

from conversations.xforms.nodes import Frame, FrameType


def size_of(frame: Frame) -> int:
    """The number of characters in a frame and all frames below it."""
    size = sum(map(len, frame.values))
    for instances in frame.repeats.values():
        size += sum(map(size_of, instances))
    return size


def dump_frame(frame: Frame) -> dict[str, Any]:
    dumped: dict[str, Any] = {"values": list(frame.values)}
    if 0 in frame.relevant:
        dumped["hidden"] = [slot for slot, is_relevant in enumerate(frame.relevant) if not is_relevant]
    if frame.repeats:
        dumped["repeats"] = {
            str(slot): [dump_frame(each) for each in instances] for slot, instances in frame.repeats.items()
        }
    if frame.filtered:
        dumped["filtered"] = {str(slot): value for slot, value in frame.filtered.items()}
    if frame.calculated:
        dumped["calculated"] = {str(slot): value for slot, value in frame.calculated.items()}
    return dumped


def load_frame(frame_type: FrameType, parent: Frame | None, index: int, dumped: Mapping[str, Any]) -> Frame:
    frame = Frame(frame_type, parent, index)
    frame.values = list(dumped["values"])
    frame.relevant = bytearray(b"\x01") * len(frame.values)
    for slot in dumped.get("hidden", ()):
        frame.relevant[slot] = 0
    repeats = dumped.get("repeats")
    if repeats:
        for place in frame_type.repeats:
            assert place.inner is not None
            frame.repeats[place.slot] = [
                load_frame(place.inner, frame, number, each) for number, each in enumerate(repeats[str(place.slot)])
            ]
    filtered = dumped.get("filtered")
    if filtered:
        frame.filtered = {int(slot): value for slot, value in filtered.items()}
    calculated = dumped.get("calculated")
    if calculated:
        frame.calculated = {int(slot): value for slot, value in calculated.items()}
    return frame
