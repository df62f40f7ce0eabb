#!/usr/bin/python3
"""page.py PAGE.html WIDTH PICTURE.png [SCHEME]: the page in Chromium, driven over its debugging pipe.

Looks at it, plays the film in it with the keyboard and the buttons, and prints as JSON what came of it: errors and messages of the console, whether anything was asked of a network, how wide the
page is, and the film's rows at its end.
"""
import base64
import fcntl
import json
import os
import select
import subprocess
import sys
import tempfile
import time


class Browser:
    """Chromium with one page. Messages are JSON, each ended by a NUL."""

    def __init__(self, profile):
        to_read, self.to_write = os.pipe()
        self.from_read, from_write = os.pipe()

        def pipes():
            own = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (to_read, from_write)] # 3 and 4 may be among those two
            os.dup2(own[0], 3)
            os.dup2(own[1], 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", "--user-data-dir=" + profile, "--remote-debugging-pipe", "about:blank"],
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.buffer, self.number, self.session, self.events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def message(self):
        while b"\0" not in self.buffer:
            if not select.select([self.from_read], [], [], 30)[0]:
                raise TimeoutError("the browser has not answered for 30 s")
            part = os.read(self.from_read, 65536)
            if not part:
                raise EOFError("the browser is gone")
            self.buffer += part
        one, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to_write, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, key, code):
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code)

    def close(self):
        self.process.kill()
        self.process.wait()


def main():
    page, width, picture = os.path.abspath(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    scheme = sys.argv[4] if len(sys.argv) > 4 else "light"
    told = {}
    with tempfile.TemporaryDirectory(prefix="teachroot-test-page.", ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            browser.call("Page.bringToFront")
            for domain in ("Page", "Runtime", "Log", "Network"):
                browser.call(domain + ".enable")
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 600)
            browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            browser.call("Page.navigate", url="file://" + page)
            while browser.value("document.readyState") != "complete":
                time.sleep(0.05)
            told["title"] = browser.value("document.title")
            told["overflow"] = browser.value("document.documentElement.scrollWidth - innerWidth")
            shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
            with open(picture, "wb") as out:
                out.write(base64.b64decode(shot["data"]))
            clock = "Number(document.querySelector('#player input').value)"
            if browser.value("!!document.getElementById('player') && !document.getElementById('player').hidden"):
                browser.value("document.querySelector('#player .screen').focus()")
                browser.key(" ", "Space")
                time.sleep(0.6)
                browser.key(" ", "Space")
                told["played"] = browser.value(clock)
                time.sleep(0.2)
                told["paused"] = browser.value(clock) == told["played"]
                browser.key("]", "BracketRight")
                told["second_step"] = browser.value("document.querySelector('#player .label').textContent")
                browser.value("document.querySelectorAll('.watch')[0].click()")
                time.sleep(0.3)
                told["watched"] = browser.value("document.querySelector('.watch + #player .label').textContent")
                browser.key("End", "End")
                told["screen"] = browser.value("[...document.querySelectorAll('#player .screen div')].map(row => row.textContent.trimEnd())")
                browser.key("Home", "Home")
                told["at_home"] = browser.value(clock)
            browser.value("1")
            told["messages"] = [event["params"] for event in browser.events
                                if event["method"] in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")]
            told["requests"] = [event["params"]["request"]["url"][:80] for event in browser.events
                                if event["method"] == "Network.requestWillBeSent" and not event["params"]["request"]["url"].startswith("data:")]
        finally:
            browser.close()
    json.dump(told, sys.stdout)


main()
