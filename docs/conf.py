"""The documentation site: plain Markdown in, pages that need no internet out. Built by `make docs`, strictly."""

project = "Enlace"
author = "the Enlace contributors"
project_copyright = "2026, " + author

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
root_doc = "index"
language = "en"
nitpicky = True

myst_heading_anchors = 3
myst_links_external_new_tab = False

html_theme = "furo"
html_title = "Enlace"
html_favicon = "../bot/sandbox/page/icon.svg"
html_static_path = ["_static"]
html_css_files = ["enlace.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}
# Commands are copied from the page: no curly quotes and no dashes made of two hyphens.
smartquotes = False


def speak_its_language(app, pagename, templatename, context, doctree):  # type: ignore[no-untyped-def]
    """The focal point's card is read aloud in the language it is written in."""
    folder, _, name = pagename.partition("/")
    if folder == "cards":
        context["language"] = name


def setup(app):  # type: ignore[no-untyped-def]
    app.connect("html-page-context", speak_its_language)
