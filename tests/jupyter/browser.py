"""Opens the notebook FILE in Jupyter Notebook 6 in a headless Chromium, runs all its cells there, and prints the last cell's output. Fails on a cell's error and on any error of the page's console.
With a second argument a picture of the page is written there."""
import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

from tornado.websocket import websocket_connect

ALL_RUN = """(() => {
    const cells = Jupyter.notebook.get_cells().filter(cell => cell.cell_type === 'code');
    return cells.every(cell => typeof cell.input_prompt_number === 'number') && !Jupyter.notebook.kernel_busy;
})()"""
OUTPUTS = "JSON.stringify(Jupyter.notebook.get_cells().filter(cell => cell.cell_type === 'code').map(cell => cell.output_area.toJSON()))"


class Page:
    def __init__(self, socket):
        self.socket, self.number, self.errors = socket, 0, []

    async def call(self, method, **params):
        self.number += 1
        await self.socket.write_message(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(await self.socket.read_message())
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(message["params"]["exceptionDetails"].get("exception", {}).get("description", "?"))
            if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
                self.errors.append(message["params"]["entry"]["text"] + " " + message["params"]["entry"].get("url", ""))
            if message.get("id") == self.number:
                return message["result"]

    async def value(self, expression):
        result = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True)
        return result["result"].get("value")

    async def wait(self, expression, seconds):
        end = time.time() + seconds
        while await self.value(expression) is not True:
            if time.time() > end:
                sys.exit(f"not in {seconds} s: {expression}")
            await asyncio.sleep(0.2)


def line_of(process, word):
    for line in process.stderr:
        if word in line:
            return line.strip()
    sys.exit(f"{process.args[0]} has not said `{word}`")


async def run(path, picture):
    directory, name = os.path.split(os.path.abspath(path))
    with tempfile.TemporaryDirectory(prefix="teachroot-test.") as home:
        server = subprocess.Popen(
            ["/usr/bin/python3", "-m", "notebook", "--allow-root", "--no-browser", "--ip=127.0.0.1", "--NotebookApp.token=t",
             f"--notebook-dir={directory}", "--NotebookApp.port_retries=50", "--NotebookApp.iopub_data_rate_limit=1e9"],
            stderr=subprocess.PIPE, text=True)
        try:
            url = line_of(server, "http://127.0.0.1").split()[-1].split("?")[0]
            browser = subprocess.Popen(
                ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
                 f"--user-data-dir={home}", "--window-size=1200,1600", "about:blank"],
                stderr=subprocess.PIPE, text=True)
            try:
                port = line_of(browser, "DevTools listening").split("127.0.0.1:")[1].split("/")[0]
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
                    target = next(t for t in json.load(answer) if t["type"] == "page")
                page = Page(await websocket_connect(target["webSocketDebuggerUrl"], max_message_size=1 << 28))
                await page.call("Runtime.enable")
                await page.call("Log.enable")
                await page.call("Page.enable")
                await page.call("Page.navigate", url=f"{url}notebooks/{name}?token=t")
                await page.wait("typeof Jupyter === 'object' && !!Jupyter.notebook && !!Jupyter.notebook.kernel && Jupyter.notebook.kernel.is_connected()", 60)
                await page.value("Jupyter.notebook.execute_all_cells()")
                await page.wait(ALL_RUN, 180)
                outputs = json.loads(await page.value(OUTPUTS))
                if picture:
                    shot = await page.call("Page.captureScreenshot")
                    with open(picture, "wb") as file:
                        file.write(base64.b64decode(shot["data"]))
                await page.value("Jupyter.notebook.kernel.kill()")
                await page.value("new Promise(done => setTimeout(done, 500))")
                failed = [o for cell in outputs for o in cell if o["output_type"] == "error"]
                assert not failed, failed
                ours = [error for error in page.errors if "/nbextensions/widgets/" not in error]  # widgets, which are not installed
                assert not ours, ours
                text = outputs[-1][-1]["text"]
                print(text if isinstance(text, str) else "".join(text))
            finally:
                browser.terminate()
                browser.wait()
        finally:
            server.terminate()
            server.wait()


asyncio.run(run(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
