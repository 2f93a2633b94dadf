"""The review by keyboard alone, and without a script: what a person does, and what the database then says."""

import re

from playwright.sync_api import expect


def said(shop, job):
    row = shop.world.job(job)
    return row.verdict, row.stars


def at(page):
    return page.locator(".cell.on").get_attribute("data-job")


def test_a_shop_is_reviewed_by_keyboard_alone(shop, visit):
    shop.apply(["MUG", "SHOE"], ["beach", "alps", "city"])
    shop.make(1, 2, 3, 4, 5)
    page = visit()
    assert at(page) == "1"
    page.keyboard.press("p")
    expect(page.locator("#j1")).to_have_class(re.compile("accepted"))
    expect(page.locator(".cell.on")).to_have_attribute("data-job", "2")
    page.keyboard.press("4")
    expect(page.locator("#j2 .stars")).to_have_text("★★★★")
    page.keyboard.press("x")
    expect(page.locator(".cell.on")).to_have_attribute("data-job", "3")
    assert [said(shop, job) for job in (1, 2)] == [("accepted", None), ("rejected", 4)]
    page.keyboard.press("Control+z")
    expect(page.locator("#j2")).to_have_class(re.compile("unseen"))
    expect(page.locator(".cell.on")).to_have_attribute("data-job", "2")
    assert said(shop, 2) == (None, 4)
    page.keyboard.press("u")
    expect(page.locator("#j2 .stars")).to_have_count(0)
    page.keyboard.press("ArrowDown")
    assert at(page) == "5"
    page.keyboard.press("ArrowLeft")
    assert at(page) == "4"
    expect(page.locator("#count")).to_contain_text("1 of 5 reviewed")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    assert page.troubles == []


def test_another_try_is_asked_for_with_its_price_shown_and_taken_back(shop, visit):
    shop.apply(["MUG"], ["beach", "alps"])
    shop.make(1, 2)
    page = visit()
    page.keyboard.press("r")
    expect(page.locator("form.redo")).to_contain_text("$0.028 for 1 picture")
    page.keyboard.type("a calmer beach")
    page.locator("form.redo").get_by_role("button", name="Ask for it").press("Enter")
    expect(page.locator("#j1 .coming")).to_be_visible()
    expect(page.locator("#telling")).to_contain_text("Nothing is spent until")
    row = shop.world.job(3)
    assert (row.redo_of, row.state) == (1, "pending")
    page.keyboard.press("Control+z")
    expect(page.locator("#telling")).to_contain_text("cancelled")
    assert shop.world.job(3).state == "cancelled"
    assert page.troubles == []


def test_a_picture_is_looked_at_large_compared_and_held_against_its_source(shop, visit):
    shop.apply(["MUG"], ["beach", "alps"])
    shop.make(1, 2)
    page = visit()
    page.keyboard.press("Enter")
    expect(page.locator("#inside .focus img").first).to_be_visible()
    large = page.locator("#inside .focus figure img")
    expect(large).to_have_attribute("src", re.compile("/pictures/1/.*-768.webp"))
    page.keyboard.down(" ")
    expect(large).to_have_attribute("src", re.compile("/sources/1/"))
    page.keyboard.up(" ")
    expect(large).to_have_attribute("src", re.compile("/pictures/1/"))
    page.keyboard.press("ArrowRight")
    expect(page.locator("#inside .focus")).to_have_attribute("data-job", "2")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    expect(page.locator("#inside .compare figure")).to_have_count(3)  # the source too
    names = page.locator("#inside table th[scope=row]").all_inner_texts()
    assert names == ["scene", "prompt"]
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(page.locator("body")).to_have_class(re.compile("covered"))
    assert page.troubles == []


def test_a_flagged_picture_stays_blurred_whatever_is_pressed(shop, visit):
    shop.apply(["MUG"], ["beach"])
    shop.make(1, flagged=True)
    page = visit()
    loaded = []
    page.on("request", lambda request: loaded.append(request.url))
    for key in ("b", "b", "Enter", "Escape", "c"):
        page.keyboard.press(key)
        page.wait_for_load_state("networkidle")
    pictures = [url for url in loaded if "/pictures/" in url]
    assert all(url.endswith("-blurred.webp") for url in pictures)


def test_an_empty_cell_says_why_and_is_filled_while_the_page_is_open(shop, visit):
    shop.apply(["MUG"], ["beach", "alps", "city"])
    shop.make(1)
    shop.fail(2)
    shop.set(3, queue="ready", due_at=None, message=None)
    page = visit()
    expect(page.locator("#j2")).to_contain_text("refused by moderation")
    expect(page.locator("#j3")).to_contain_text("waits for its turn")
    shop.make(3)
    page.evaluate("refresh()")
    expect(page.locator("#j3 img")).to_be_visible()
    assert page.troubles == []


def test_what_somebody_else_said_in_the_meantime_is_told(shop, visit, served):
    shop.apply(["MUG"], ["beach", "alps"])
    shop.make(1, 2)
    kim, ada = visit(), visit()
    ada.keyboard.press("x")
    expect(ada.locator("#j1")).to_have_class(re.compile("rejected"))
    kim.keyboard.press("p")
    expect(kim.locator("#telling")).to_contain_text("kim had said in the meantime: rejected")
    assert said(shop, 1)[0] == "accepted"


def test_without_a_script_everything_can_be_read_and_judged(shop, visit):
    shop.apply(["MUG", "SHOE"], ["beach"])
    shop.make(1, 2)
    page = visit(java_script_enabled=False)
    page.locator("#j1 a.open").click()
    page.get_by_label("Note").fill("lovely")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Accept").click()
    page.wait_for_url("**/review/jobs/2")
    page.get_by_role("link", name="Another try").click()
    page.get_by_label("Another prompt").fill("SHOE, brighter")
    page.get_by_role("button", name="Price it").click()
    expect(page.locator(".price")).to_contain_text("$0.028")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator("main")).to_contain_text("Nothing is spent until")
    assert said(shop, 1)[0] == "accepted"
    assert shop.world.job(3).redo_of == 2


def test_a_long_run_is_loaded_as_it_is_scrolled(shop, visit, monkeypatch):
    monkeypatch.setattr("orchestrator.web.review.reading.PRODUCTS", 3)
    shop.apply([f"SKU-{number:02}" for number in range(20)], ["beach"])
    page = visit()
    expect(page.locator(".product").nth(3)).to_be_attached()
    for _ in range(20):
        page.mouse.wheel(0, 5_000)
        page.wait_for_timeout(60)
        if page.locator(".product").count() == 20:
            break
    assert page.locator(".product").count() == 20


def test_the_pages_fit_a_phone_and_name_their_controls(shop, visit):
    shop.apply(["A-product-with-a-rather-long-sku-0001"], ["beach", "alps"])
    shop.make(1, 2)
    for path in ("/review/runs/1", "/review/jobs/1", "/review?all"):
        page = visit(path, viewport={"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        unnamed = page.evaluate(
            """[...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, img')]
               .filter((each) => !(each.labels?.length || each.ariaLabel || each.textContent.trim()))
               .filter((each) => !each.alt)
               .length"""
        )
        assert unnamed == 0, path


def test_a_page_opens_at_its_head_and_its_form_fits_a_phone(shop, visit):
    shop.apply([f"P{number}" for number in range(9)], ["beach", "alps"])
    shop.make(1, 2)
    page = visit("/review/runs/1?view=grid&show=all", viewport={"width": 390, "height": 800})
    page.wait_for_url("**#j1")
    assert page.evaluate("scrollY") == 0, "the address names the chosen picture, and nothing has moved"
    page.keyboard.press("r")
    page.wait_for_selector("dialog textarea")
    assert page.evaluate(
        "document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth"
    )
