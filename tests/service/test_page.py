"""The page, in a browser: search, click a history together, see the list change. And the token."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.service.small import Served, saved, serving

TOKEN = "secret"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    program, driver = (shutil.which(name) for name in ("chromium", "chromedriver"))
    if not (program and driver):
        pytest.skip("needs a browser: Debian's packages chromium and chromium-driver")
    options = ChromeOptions()
    options.binary_location = program
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options, Service(driver))
    yield chrome
    chrome.quit()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("service")
    with serving(saved(folder / "model"), folder / "log", SEQREC_TOKEN=TOKEN) as served:
        yield served


class Page:
    """What a user sees and does."""

    def __init__(self, browser: Chrome, service: Served) -> None:
        self.browser, self.service = browser, service
        browser.get(service.address)
        self.wait(lambda: self.at("#ask-token").is_displayed() or self.texts("#list .name"))
        if self.at("#ask-token").is_displayed():
            self.at("#token").send_keys(TOKEN, Keys.ENTER)
            self.wait(lambda: bool(self.texts("#list .name")))

    def wait(self, what: Callable[[], Any]) -> None:
        WebDriverWait(self.browser, 15, 0.02).until(lambda _: what())

    def at(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)"
        found: list[str] = self.browser.execute_script(script, selector)
        return found

    def shows(self, history: list[str]) -> None:
        """Wait for the list after a history, as the service gives it."""
        right = {"Authorization": f"Bearer {TOKEN}"}
        _, answer = self.service.ask("POST", "/recommend", {"history": history}, **right)
        names = [row["title"] or row["item_id"] for row in answer["items"]]
        self.wait(lambda: self.texts("#list .name") == names)


@pytest.fixture
def page(browser: Chrome, service: Served) -> Page:
    return Page(browser, service)


def test_a_history_is_clicked_together_and_the_list_changes(page: Page) -> None:
    page.shows([])
    assert page.texts("#list-title") == ["Most popular"]
    page.at("#search").send_keys("alien")
    page.wait(lambda: len(page.texts("#found [role=option]")) == 2)
    page.browser.find_element(By.XPATH, "//li[span='Aliens (1986)']").click()
    page.wait(lambda: page.texts("#history .name > span:first-child") == ["Aliens (1986)"])
    page.shows(["i3"])
    assert page.texts("#list-title") == ["Recommended"]
    best = page.texts("#list .name")[0]
    page.at("#list button").click()
    page.wait(lambda: page.texts("#history .name > span:first-child") == ["Aliens (1986)", best])
    page.at("#history .remove").click()
    page.wait(lambda: page.texts("#history .name > span:first-child") == [best])
    assert not page.at("#error").is_displayed()


def test_keys_are_enough(page: Page) -> None:
    page.at("#search").send_keys("amelie")
    page.wait(lambda: page.texts("#found [aria-selected=true]") == ["Amélie (2001)i1"])
    page.at("#search").send_keys(Keys.ENTER)
    page.shows(["i1"])
    page.at("#search").send_keys("19")
    page.wait(lambda: len(page.texts("#found [role=option]")) > 2)
    second = page.texts("#found [role=option] > span:first-child")[1]
    page.at("#search").send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    page.wait(lambda: page.texts("#history .name > span:first-child")[1:] == [second])
    page.at("#search").send_keys(Keys.TAB, Keys.ENTER)  # removes the first
    page.wait(lambda: page.texts("#history .name > span:first-child") == [second])


def test_titles_are_text_and_facts_stand_beside(page: Page) -> None:
    page.at("#search").send_keys("jaws")
    page.wait(lambda: page.texts("#found [role=option] > span:first-child") == ["<b>Jaws</b>"])
    facts = dict(zip(page.texts("#facts dt"), page.texts("#facts dd"), strict=True))
    assert (facts["model"], facts["dataset"], facts["items"]) == ("bsarec", "films", "12")


def test_nothing_on_either_page_is_refused_or_fails(page: Page) -> None:
    page.browser.get(f"{page.service.address}/api")
    page.wait(lambda: "POST /recommend" in page.texts("h2"))
    log: Any = page.browser
    refused = [entry["message"] for entry in log.get_log("browser")]
    # that it wants a token is how the page finds out
    assert [line for line in refused if "401" not in line] == []


def test_a_narrow_page_needs_no_scrolling_sideways(page: Page) -> None:
    page.browser.set_window_size(500, 900)
    widths = page.browser.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert widths[0] <= widths[1]


def test_a_token_is_wanted_where_the_environment_sets_one(service: Served) -> None:
    wrong: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": TOKEN},
    )
    for given in wrong:
        status, content = service.ask("POST", "/recommend", {"history": []}, **given)
        assert (status, list(content)) == (401, ["error"])
    for scheme in ("Bearer", "bearer"):
        right = {"Authorization": f"{scheme} {TOKEN}"}
        assert service.ask("POST", "/recommend", {"history": []}, **right)[0] == 200
    assert service.ask("GET", "/metrics")[0] == 401
    assert [service.ask("GET", path)[0] for path in ("/health", "/", "/api")] == [200, 200, 200]
