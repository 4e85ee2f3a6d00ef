// How GNOME Shell 43 and 44 load an extension. The rest follows, from window.js.
/* exported init */
class TimberlineExtension {
    enable() {
        this._window = new WindowInFront(imports.gi, global.display);
    }

    disable() {
        this._window.destroy();
        this._window = null;
    }
}

function init() {
    return new TimberlineExtension();
}
