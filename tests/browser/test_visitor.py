"""What the visitors of all browser tests write down, so that those tests can fail by it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser


def test_a_request_to_another_host_is_a_trouble(browser: Browser, server: str) -> None:
    visitor = Visitor(browser, server)
    page = visitor.open("/method")
    away = "http://127.0.0.2:9/away"
    page.route(away, lambda route: route.fulfill(headers={"Access-Control-Allow-Origin": "*"}))
    assert visitor.troubles == []
    page.evaluate("(away) => fetch(away)", away)
    assert visitor.troubles == [f"a request to another host: {away}"]
    socket = away.replace("http", "ws")
    with page.expect_event("websocket"):
        page.evaluate("(socket) => { new WebSocket(socket); }", socket)
    assert f"a request to another host: {socket}" in visitor.troubles
    with pytest.raises(AssertionError, match="another host"):
        visitor.leave()
