"""ALAS Explorer: how a speech LLM binds audio frames to words, layer by layer."""

from alas_core.ui import controls, guard, picture, references, shell, url

with shell.inside():
    shell.frame()
    url.adopt()
    url.settle()
    references.keep()
    page = shell.navigation()
    with guard.guarded("the sidebar"):
        if page.url_path not in shell.OWN_SIDEBAR:
            controls.sidebar()
            picture.current()
            controls.layer_and_score(picture.on_screen())
    with guard.guarded(page.title):
        page.run()
    controls.publish(page.url_path or "explore")
