"""The examples of README and docs do what the pages say."""

import re

import pytest

from tests.docs.session import PROJECT, RUNNABLE, Block, Session, loosely_equal, read_blocks, read_examples

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
BLOCKS = [block for page in PAGES for block in read_blocks(page)]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=str(page.relative_to(PROJECT)))
        for page in PAGES
        if any(block.page == page and "run" in block.attributes for block in BLOCKS)
    ],
)
def test_examples_of_a_page_run_as_one_session(page, tmp_path):
    """Every block marked `run` prints, loosely, what the page says it prints."""
    session = Session(tmp_path)
    for block in read_blocks(page):
        session.run(block)


@pytest.mark.parametrize("block", [pytest.param(b, id=b.place) for b in BLOCKS if b.language in RUNNABLE])
def test_example_is_run_or_says_why_not(block: Block):
    """No console or python block is shown without being run, unless it gives the reason."""
    assert ("run" in block.attributes) != bool(block.attributes.get("skip"))


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(PROJECT))) for page in PAGES])
def test_links_lead_somewhere(page):
    """Every relative link of a page names a file of the project."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]

    assert [] == [link for link in links if link and not (page.parent / link).exists()]


def headings(page):
    """Return the anchors of a page."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8").lower(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", title).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(PROJECT))) for page in PAGES])
def test_anchors_are_headings(page):
    """A link into a page names one of its headings."""
    links = [link.partition("#") for link in re.findall(r"\]\(([^)\s]+#[^)\s]+)\)", page.read_text(encoding="utf-8"))]
    inner = [(page.parent / path if path else page, anchor) for path, _, anchor in links if "://" not in path]

    assert [] == [
        (path.name, anchor) for path, anchor in inner if path.suffix == ".md" and anchor not in headings(path)
    ]


def test_pages_cited_in_code_are_there():
    """Where a module gives its source, that page has that heading."""
    pattern = re.compile(r"\b(docs/[\w/-]+\.md)(?:#([\w-]+))?")
    cited = {
        (page, anchor)
        for module in (PROJECT / "dsvc").rglob("*.py")
        for page, anchor in pattern.findall(module.read_text(encoding="utf-8"))
    }

    assert [] == [
        (page, anchor)
        for page, anchor in sorted(cited)
        if not (PROJECT / page).is_file() or (anchor and anchor not in headings(PROJECT / page))
    ]


def test_readme_begins_with_the_two_commands():
    """The first fenced block sets up and runs the demo, the second sets up and runs the tests."""
    first, second, *_ = read_blocks(PROJECT / "README.md")

    assert ["bash", "bash"] == [first.language, second.language]
    assert "dsvc demo" in first.text
    assert "scripts/check" in second.text


def test_comparison_forgives_ids_times_and_space():
    """What differs between two runs of the same session does not count."""
    page = "commit 0123456789ab\n  at 2026-01-02T03:04:05Z ..."
    run = "commit fedcba987654  at 2027-11-12T13:14:15Z and more"

    assert loosely_equal(page, run)


def test_comparison_sees_other_words():
    """A number or a word that differs counts."""
    assert not loosely_equal("3 records", "4 records")


def test_console_block_is_split_into_commands():
    """A command may go on over several lines; what follows it is its output."""
    examples = [(e.command, e.expected) for e in read_examples("$ a <<END\n> x\n> END\nout\n\nmore\n$ b\n")]

    assert [("a <<END\nx\nEND", "out\n\nmore"), ("b", "")] == examples
