// Which window is in front, on the session bus: the method Get returns it, the signal Changed reports it.
// It is a JSON text, or null if there is none.

const NAME = 'io.timberline.GnomeWindow';
const PATH = '/io/timberline/GnomeWindow';
const INTERFACE = `
<node>
  <interface name="${NAME}">
    <method name="Get"><arg type="s" direction="out"/></method>
    <signal name="Changed"><arg type="s"/></signal>
  </interface>
</node>`;

class WindowInFront {
    constructor({Gio, GLib, Meta, Shell}, display) {
        this._gio = Gio;
        this._glib = GLib;
        this._meta = Meta;
        this._tracker = Shell.WindowTracker.get_default();
        this._display = display;
        this._window = null;
        this._windowSignals = [];
        this._object = Gio.DBusExportedObject.wrapJSObject(INTERFACE, this);
        this._object.export(Gio.DBus.session, PATH);
        this._focusSignal = display.connect('notify::focus-window', () => this._follow());
        this._follow();
        // Last, because whoever sees the name calls Get.
        this._owned = Gio.bus_own_name_on_connection(
            Gio.DBus.session, NAME, Gio.BusNameOwnerFlags.NONE, null, null);
    }

    destroy() {
        this._gio.bus_unown_name(this._owned);
        this._display.disconnect(this._focusSignal);
        this._leave();
        this._object.unexport();
    }

    // The method of the interface.
    Get() {
        return JSON.stringify(this._facts());
    }

    _follow() {
        this._leave();
        this._window = this._display.focus_window;
        if (this._window) {
            const tell = () => this._tell();
            this._windowSignals = ['notify::title', 'notify::wm-class', 'notify::fullscreen', 'unmanaged']
                .map(name => this._window.connect(name, tell));
        }
        this._tell();
    }

    _leave() {
        for (const signal of this._windowSignals)
            this._window.disconnect(signal);
        this._windowSignals = [];
        this._window = null;
    }

    _tell() {
        const now = this.Get();
        if (now === this._told)
            return;
        this._told = now;
        this._object.emit_signal('Changed', new this._glib.Variant('(s)', [now]));
    }

    _facts() {
        const window = this._window;
        if (!window || window.get_window_type() === this._meta.WindowType.DESKTOP)
            return null;
        const app = this._tracker.get_window_app(window);
        const name = window.get_wm_class() || window.get_wm_class_instance() || '';
        const pid = window.get_pid();
        return {
            app: name || (app ? app.get_id().replace(/\.desktop$/, '') : ''),
            title: window.get_title() || '',
            pid: pid > 0 ? pid : null,
            full_screen: window.is_fullscreen(),
            sandbox: window.get_sandboxed_app_id() || null,
        };
    }
}
