"""The report of every state of the gallery in a real browser: seen, read, printed, and used."""

import re

import pytest
from helpers.browser import A4, SCHEMES, WIDTHS, chromium, demand_browser, take_picture, visit
from helpers.gallery import LONG, MANY, STATES, STOCKS, render_gallery

from fd01.report.sections import ANSWER, APPENDIX, SECTIONS
from fd01.report.series import EXPERIMENTS, MOST
from fd01.workflow.files import read_json

SMALLEST_TEXT = 11  # CSS pixels, in figures
LARGEST_PAGE = 1_000_000  # bytes
FIRST_FIGURE, FIRST_PAGE = 1.3, 2  # screens of 1280 x 800
# What axe looks at: a scheme changes colours alone. None: everything.
RULES = {"light": None, "dark": ["color-contrast"]}
# Words that a reader without machine learning or statistics does not know.
JARGON = re.compile(
    r"""\b(
    a20 | alphas? | AUC | AUROC | average.precision | backbone | baselines? | base.rate | batch | bootstrap |
    Bonferroni | Brier | calibrat\w+ | checkpoints? | confidence | contaminat\w+ | covariates? | cut-?off | deciles?
    | DeLong | Diebold | digest | drawdown | embargo | embedding | encoders? | ensembles? | epochs? | EWMA |
    exceedance | exposure | F1 | fine-?tun\w+ | folds? | GARCH | GJR | HAR | hidden.states? | Holm | horizons? |
    hyperparameters? | isotonic | leakage | ledger | log-?loss | logistic | logits? | LoRA | Mariano | MCC | nats |
    normali[sz]\w+ | out-of-sample | overfit\w+ | p-values? | Platt | precision | prevalence | probes? | quantiles?
    | recall | regularis\w+ | resampl\w+ | ROC | seals? | sealed | seeds? | SHA-?256 | significan\w+ | softmax | SPA
    | standard.errors? | StepM | stationary | terciles? | tokens? | touch | transformers? | twins? | volatility |
    walk-forward | zero-shot
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory, checkpoint):
    """The report of every state."""
    demand_browser()
    return render_gallery(tmp_path_factory.mktemp("gallery"), checkpoint)


@pytest.fixture(scope="module")
def browser():
    demand_browser()
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Folder for pictures of the first page; pytest keeps it for three runs."""
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(params=STATES)
def page(request, pages):
    """The report of one state."""
    return pages[request.param]


@pytest.fixture
def offline(browser, pages):
    """The report as the default run makes it, opened on a desk."""
    with visit(browser, pages["offline"], permissions=["clipboard-read", "clipboard-write"]) as opened:
        yield opened
    assert opened.noise == []


def assert_fits_is_quiet_and_open(opened, scheme):
    """A page is not wider than its window, folded or not, can be read by everybody, and asks for nothing."""
    folded = opened.measure()
    opened.unfold()
    unfolded = opened.measure()
    found = {
        "wider than the window, folded": folded["overflow"],
        "wider than the window": unfolded["overflow"],
        "small text in figures": [size for size in [unfolded["smallest_text"]] if size < SMALLEST_TEXT],
        "figures without a name": unfolded["unnamed"],
        "axe": [f"{one['impact']} {one['id']}: {one['nodes'][:3]}" for one in opened.violations(RULES[scheme])],
        "console": opened.noise,
        "requests": opened.requests,
    }
    assert {what: problem for what, problem in found.items() if problem} == {}
    assert unfolded["figures"] and unfolded["texts"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_page_fits_is_quiet_and_open_to_everybody(browser, page, width, scheme, pictures):
    with visit(browser, page, width, scheme) as opened:
        if scheme == "light":
            take_picture(opened, pictures / f"{page.parents[3].name}-{width}.png")
        assert_fits_is_quiet_and_open(opened, scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_page_of_one_series_fits_is_quiet_and_open_to_everybody(browser, pages, width, scheme):
    page = pages["series-4"].parent / "series" / f"{STOCKS[0]}.html"
    with visit(browser, page, width, scheme) as opened:
        assert_fits_is_quiet_and_open(opened, scheme)
        to_report = opened.page.locator("header .overline a").get_attribute("href")
        assert (page.parent / to_report.partition("#")[0]).resolve() == pages["series-4"].resolve()
        opened.page.emulate_media(media="print")
        opened.page.set_viewport_size({"width": BESIDE, "height": A4["height"]})
        assert opened.page.locator(".scroll").evaluate_all(WIDER) == []


def test_first_page_is_short_and_shows_the_answer_at_once(browser, page):
    with visit(browser, page, 1280) as opened:
        found = opened.measure()
        screen = WIDTHS[1280]
        assert found["first_figure"] <= FIRST_FIGURE * screen
        # Names of 60 characters take more lines.
        assert found["first_page"] <= FIRST_PAGE * screen * (1.25 if "long-names" in page.parts else 1)


def test_page_is_small(pages):
    sizes = {state: page.stat().st_size for state, page in pages.items()}
    # A table of a lot of experiments takes what it takes.
    assert {state: size for state, size in sizes.items() if size > LARGEST_PAGE * (2 if state == "many" else 1)} == {}


def test_states_are_what_they_are_called(pages):
    shown = {state: page.read_text() for state, page in pages.items()}
    summaries = {state: read_json(page.parents[1] / "summary.json") for state, page in pages.items()}
    rows = {state: [row for row in summary["rows"] if row["status"] == "ok"] for state, summary in summaries.items()}
    assert len(set(shown.values())) == len(STATES)
    assert len(set(re.findall(r'<tr id="experiment-([^"]+)"', shown["many"]))) > MANY / 2
    assert "This run does not look at" in shown["sealed"] and "wf-2012" in shown["walk-forward"]
    assert "hardly differ" in summaries["failed-check"]["trust"][4]["text"]
    assert "TFM-01" in {row["experiment"] for row in rows["with-weights"]}
    assert "EXT" in {row["experiment"] for row in rows["published"]}
    for state, number in {"series-4": "4", "series-30": "30", "series-1000": "1,000"}.items():
        assert f"This dataset has {number} series." in shown[state]
    most = f"The table shows the {MOST} series with the most pairs of days and {EXPERIMENTS} experiments"
    assert most in shown["series-1000"] and most not in shown["series-30"]
    assert not rows["baselines"] and any(len(row["name"]) >= LONG for row in rows["long-names"])


def test_words_of_the_first_page_are_plain_or_in_the_glossary(offline):
    page = offline.page
    answer = " ".join(page.inner_text(f'[id="{section.name}"]') for section in SECTIONS if section.layer == ANSWER)
    answer = re.sub(r"\([A-Z]+-[\w-]+\)", "", answer)  # the names of experiments
    offline.unfold()
    glossary = " ".join(page.locator('[id^="glossary-"], [id^="glossary-"] dfn').all_inner_texts())
    used = {found[0].lower().removesuffix("s") for found in JARGON.finditer(answer)}
    assert used and len(answer) > 500
    assert sorted(word for word in used if not re.search(rf"\b{re.escape(word)}", glossary, re.IGNORECASE)) == []


def test_column_is_sorted_by_its_button(offline):
    table = offline.page.locator("table.sortable").first
    head = table.locator('th[data-sort="number"]').first  # the AUC, in the first column after the names
    column = "table => [...table.tBodies[0].rows].map(row => parseFloat(row.cells[1].innerText)).filter(isFinite)"
    before = table.evaluate(column)
    assert len(set(before)) > 2
    for _ in range(2):
        head.get_by_role("button").click()
        falling = head.get_attribute("aria-sort") == "descending"
        assert table.evaluate(column) == sorted(before, reverse=falling)


def test_buttons_filter_the_rows_of_a_table_by_group(offline):
    table = offline.page.locator("table.results").first
    rows = table.locator("tbody tr:visible")
    groups = "rows => rows.map(row => row.dataset.group)"
    before = rows.evaluate_all(groups)
    buttons = offline.page.get_by_role("group", name="Rows by group").first.get_by_role("button")
    for button in buttons.all():
        button.click()
        wanted = button.inner_text()
        assert rows.evaluate_all(groups) == [group for group in before if wanted in ("all", group)]
        assert buttons.and_(offline.page.locator('[aria-pressed="true"]')).all_inner_texts() == [wanted]
    assert buttons.all_inner_texts() == ["all", *dict.fromkeys(before)] and len(set(before)) > 1


WIDER = """
places => places.filter(place => place.checkVisibility() && place.scrollWidth > place.clientWidth)
  .map(place => place.ariaLabel)
"""
PRINTED = int(A4["height"] - 30 / 25.4 * 96)  # within the margins, of 14 and 16 mm
BESIDE = int(A4["width"] - 28 / 25.4 * 96)
# How far the head and the first column of a table lie from the top left of their place.
FROM_TOP_LEFT = """
place => {
  const {top, left} = place.getBoundingClientRect();
  const cell = place.querySelector("tbody tr:last-child > :first-child");
  return [place.querySelector("thead").getBoundingClientRect().top - top, cell.getBoundingClientRect().left - left];
}
"""


def test_head_and_first_column_of_a_table_stay(browser, pages):
    with visit(browser, pages["long-names"], 390) as opened:
        place = opened.page.locator(".scroll:has(table.results)").first
        scrolled = place.evaluate("place => (place.scrollTo(90, 90), [place.scrollLeft, place.scrollTop])")
        assert scrolled == [90, 90] and place.evaluate(FROM_TOP_LEFT) == [0, 0]


def test_tables_fit_on_a_desk(browser, page):
    with visit(browser, page, 1280) as opened:
        opened.unfold()
        # Those of four blocks, and no others, may be wider.
        assert opened.page.locator(".scroll:not(.wide)").evaluate_all(WIDER) == []


@pytest.mark.parametrize("across", [False, True])
def test_tables_fit_on_paper(browser, page, across):
    # Chromium prints a whole document smaller if one part of it is wider than the page.
    with visit(browser, page) as opened:
        opened.page.set_viewport_size({"width": (PRINTED if across else BESIDE), "height": A4["height"]})
        opened.page.emulate_media(media="print")
        opened.unfold()
        assert opened.page.locator(".scroll" if across else ".scroll:not(.wide)").evaluate_all(WIDER) == []


def test_value_of_a_mark_is_shown_at_the_pointer_and_by_the_keys(offline):
    figure = offline.page.locator("svg:has([data-value])").first
    figure.scroll_into_view_if_needed()
    values = figure.locator("[data-value]").evaluate_all("marks => marks.map(mark => mark.dataset.value)")
    shown = offline.page.locator(".value")
    for place, value in enumerate(values):
        box = figure.locator("[data-value]").nth(place).bounding_box()
        offline.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert shown.all_inner_texts() == [value]
    offline.page.mouse.move(0, 0)
    figure.press("ArrowDown")
    assert len(values) > 1 and shown.count() == 1 and shown.inner_text() in values
    figure.press("Escape")
    assert shown.count() == 0


def test_link_to_a_folded_section_opens_it(offline):
    folded = [section.name for section in SECTIONS if section.layer == APPENDIX]
    names = [name for name in folded if offline.page.locator(f'[id="{name}"]').count()]
    assert len(names) > 5
    for name in names:
        link = offline.page.locator(f'nav.contents a[href="#{name}"]')
        fold = offline.page.locator(f'details:has([id="{name}"]), details[id="{name}"]').first
        assert fold.get_attribute("open") is None
        offline.page.locator("nav.contents details").evaluate("contents => (contents.open = true)")
        link.click()
        assert fold.get_attribute("open") is not None
        assert offline.page.locator(f'[id="{name}"]').evaluate(
            "one => one.checkVisibility() && one.getBoundingClientRect().top < innerHeight"
        )


def test_copy_button_copies(offline):
    offline.unfold()
    button = offline.page.locator("button.copy").first
    source = offline.page.locator(button.get_attribute("data-copy"))
    button.click()
    offline.page.wait_for_function("button => button.textContent.includes('Copied')", arg=button.element_handle())
    assert offline.page.evaluate("navigator.clipboard.readText()") == source.text_content().strip() != ""


def test_keyboard_reaches_the_content_first(offline):
    offline.page.keyboard.press("Tab")
    focused = "document.activeElement"
    assert offline.page.evaluate(f"{focused}.matches('a.skip') && {focused}.getBoundingClientRect().top >= 0")


def test_page_can_be_read_without_javascript(browser, page):
    with visit(browser, page, 390, java_script_enabled=False) as opened:
        content = opened.page.locator("main")
        assert opened.measure()["overflow"] == 0
        for section in SECTIONS:
            assert opened.page.locator(f'[id="{section.name}"]').count() <= 1
        assert opened.page.locator('[id="results"]').count() == 1
        assert len(content.inner_text()) > 1000 and content.get_by_role("img").count()
        assert not opened.page.locator("button:visible").count()  # it would do nothing
        folds = opened.page.locator("main details")
        folds.first.locator("summary").first.click()
        assert folds.first.get_attribute("open") is not None
        assert opened.noise == [] and opened.requests == []


# Of what stands for a verdict: how far its colour and white, the colour of paper, are apart (WCAG's contrast).
ON_PAPER = """
tags => tags.filter(tag => tag.checkVisibility()).map(tag => {
  const light = tag => getComputedStyle(tag).color.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
    .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  return [tag.textContent.trim(), 1.05 / (light(tag) + 0.05)];
})
"""
SPLIT = """
figures => figures.filter(one => one.checkVisibility() && getComputedStyle(one).breakInside !== "avoid").length
"""
FIGURE_HEIGHTS = "figures => figures.map(one => one.getBoundingClientRect().height)"
SHUT = """
folds => folds.filter(one => ![...one.children].slice(1).some(part => part.getBoundingClientRect().height > 0)).length
"""


def test_print_shows_everything_in_black_on_white(browser, page, tmp_path):
    with visit(browser, page, scheme="dark") as opened:
        opened.page.set_viewport_size(A4)
        opened.page.emulate_media(media="print")
        opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        figures, tags = opened.page.locator("main figure"), opened.page.locator("main .tag")
        assert opened.page.locator("main details").evaluate_all(SHUT) == 0
        assert figures.evaluate_all(SPLIT) == 0
        assert max(figures.evaluate_all(FIGURE_HEIGHTS)) < PRINTED
        verdicts = tags.evaluate_all(ON_PAPER)
        assert all(words and contrast >= 4.5 for words, contrast in verdicts), verdicts
        opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
        opened.page.emulate_media(media=None)
        printed = opened.page.pdf(path=tmp_path / "report.pdf", format="A4")
        assert printed.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", printed)) > 3
        assert opened.noise == [] and opened.requests == []
