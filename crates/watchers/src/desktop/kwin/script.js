// Runs in KWin, and tells Timberline which window is in front. For KWin 5.27 and 6.
//
// SERVICE is replaced by the name of Timberline's connection before the script is loaded.

const windows = new Set();

// Names of KWin 6 first, those of 5.27 second.
function activeWindow() {
    return workspace.activeWindow !== undefined ? workspace.activeWindow : workspace.activeClient;
}

function facts(window) {
    if (!window || window.desktopWindow) {
        return null;
    }
    return {
        app: String(window.resourceClass || window.desktopFileName || window.resourceName || ""),
        title: String(window.caption || ""),
        pid: window.pid > 0 ? window.pid : null,
        full_screen: Boolean(window.fullScreen),
        monitor: window.output && window.output.name ? String(window.output.name) : null,
    };
}

function tell() {
    callDBus("SERVICE", "/", "timberline.Window", "Changed", JSON.stringify(facts(activeWindow())));
}

// The signals of a window are connected when it is first seen, and report only while it is in front.
function activated(window) {
    if (window && !windows.has(window)) {
        windows.add(window);
        const changed = function () {
            if (window === activeWindow()) {
                tell();
            }
        };
        for (const signal of [window.captionChanged, window.fullScreenChanged, window.outputChanged]) {
            if (signal && signal.connect) {
                signal.connect(changed);
            }
        }
    }
    tell();
}

(workspace.windowActivated || workspace.clientActivated).connect(activated);
(workspace.windowRemoved || workspace.clientRemoved).connect(function (window) {
    windows.delete(window);
});
activated(activeWindow());
