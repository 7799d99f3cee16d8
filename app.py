"""ALAS Explorer: how a speech LLM binds audio frames to words, layer by layer."""

from alas_core.ui import controls, forgetting, guard, layer_choice, picture, references, shell, url

with shell.inside():
    shell.frame()
    url.adopt()
    url.settle()
    references.keep()
    page = shell.navigation()
    with guard.guarded("the sidebar"):
        if page.url_path not in shell.OWN_SIDEBAR:
            controls.sidebar()
            forgetting.button()
            shown = picture.current().analysis
            layer_choice.layer_and_score(shown, slider=page.url_path == "compare")
    with guard.guarded(page.title):
        page.run()
    controls.publish(page.url_path or "explore")
