// How GNOME Shell 45 and later load an extension. The rest follows, from window.js.
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Meta from 'gi://Meta';
import Shell from 'gi://Shell';
import {Extension} from 'resource:///org/gnome/shell/extensions/extension.js';

export default class TimberlineExtension extends Extension {
    enable() {
        this._window = new WindowInFront({Gio, GLib, Meta, Shell}, global.display);
    }

    disable() {
        this._window.destroy();
        this._window = null;
    }
}
