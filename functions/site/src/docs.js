// The reference reads its document from the page and sends the CSRF token with everything but GET.
const page = document.documentElement.dataset;
const token = () => {
  const cookie = document.cookie.split("; ").find((pair) => pair.startsWith(`${page.csrfCookie}=`));
  return cookie ? cookie.slice(page.csrfCookie.length + 1) : "";
};
window.ui = SwaggerUIBundle({
  url: page.document,
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis],
  requestInterceptor(request) {
    if (!["GET", "HEAD"].includes((request.method || "GET").toUpperCase())) request.headers["X-CSRF-Token"] = token();
    return request;
  },
});
