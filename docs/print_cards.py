"""`make cards`: the focal point's cards as PDF, one sheet each, from the pages of the built site.

The sheet is as wide as A4 and as high as Letter, so that either paper takes it without scaling.
"""

import os
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SITE = Path(__file__).parent / "_build" / "html"


def main() -> int:
    if not Path(CHROMIUM).exists():
        print(f"Chromium is not at {CHROMIUM}: install it, or set CHROMIUM.", file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        for card in sorted((SITE / "cards").glob("*.html")):
            page.goto(card.as_uri())
            path = SITE.parent / f"card-{card.stem}.pdf"
            page.pdf(path=path, width="210mm", height="279mm", print_background=True)
            print(path)
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
