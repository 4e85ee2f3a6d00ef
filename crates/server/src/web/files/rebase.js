// Keeps a web UI that was built for "/" below a base path: addresses on this server that begin with "/" get it in front.
// Loaded before everything else in the page.
(function (base) {
  "use strict";
  function moved(address) {
    var text = String(address);
    var origin = "";
    if (text.indexOf(location.origin + "/") === 0) {
      origin = location.origin;
      text = text.slice(origin.length);
    }
    var absolute = text.charAt(0) === "/" && text.charAt(1) !== "/";
    if (!absolute || text === base || text.indexOf(base + "/") === 0) {
      return String(address);
    }
    return origin + base + text;
  }
  var open = XMLHttpRequest.prototype.open;
  XMLHttpRequest.prototype.open = function (method, address) {
    arguments[1] = moved(address);
    return open.apply(this, arguments);
  };
  var fetch = window.fetch;
  window.fetch = function (input, options) {
    if (input instanceof Request) {
      return fetch.call(window, new Request(moved(input.url), input), options);
    }
    return fetch.call(window, moved(input), options);
  };
  var set = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    return set.call(this, name, /^(src|href|action)$/i.test(name) ? moved(value) : value);
  };
  [
    [HTMLLinkElement, "href"],
    [HTMLAnchorElement, "href"],
    [HTMLScriptElement, "src"],
    [HTMLImageElement, "src"],
    [HTMLIFrameElement, "src"],
  ].forEach(function (pair) {
    var property = Object.getOwnPropertyDescriptor(pair[0].prototype, pair[1]);
    Object.defineProperty(pair[0].prototype, pair[1], {
      configurable: true,
      enumerable: property.enumerable,
      get: property.get,
      set: function (value) {
        property.set.call(this, moved(value));
      },
    });
  });
})("{base}");
