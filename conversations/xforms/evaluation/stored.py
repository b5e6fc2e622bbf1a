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
    frame = Frame(frame_type, parent, index, dumped["values"])
    for slot in dumped.get("hidden", ()):
        frame.relevant[slot] = 0
    for place in frame_type.repeats:
        assert place.inner is not None
        instances = dumped["repeats"][str(place.slot)]
        frame.repeats[place.slot] = [
            load_frame(place.inner, frame, number, each) for number, each in enumerate(instances)
        ]
    if "filtered" in dumped:
        frame.filtered = {int(slot): value for slot, value in dumped["filtered"].items()}
    if "calculated" in dumped:
        frame.calculated = {int(slot): value for slot, value in dumped["calculated"].items()}
    return frame
