/** The part of swagger-ui-dist that is used. It puts itself into the window. */
type ShowSwaggerUi = (options: {
  spec: object;
  domNode: Element;
  deepLinking: boolean;
  tryItOutEnabled: boolean;
  validatorUrl: null;
}) => void;

const show = (window as { SwaggerUIBundle?: ShowSwaggerUi }).SwaggerUIBundle;
const place = document.getElementById('api');

/** The description, with the console's own origin as the only server: it signs where a signature is needed. */
async function describeApi(): Promise<object> {
  const response = await fetch('openapi.json');
  if (!response.ok) throw new Error(`openapi.json: status ${response.status}`);
  const { components, ...described } = await response.json();
  // Nothing to log in to here.
  const { securitySchemes: _, ...shown } = components;
  return { ...described, components: shown, servers: [{ url: location.origin }], security: [] };
}

function say(text: string): void {
  const message = document.createElement('p');
  message.className = 'message';
  message.setAttribute('role', 'alert');
  message.textContent = text;
  place?.replaceChildren(message);
}

const dark = matchMedia('(prefers-color-scheme: dark)');
const followColours = (): void => void document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', followColours);
followColours();

if (show === undefined) {
  say('The package swagger-ui-dist is not installed. Run npm ci, then load this page again.');
} else if (place !== null) {
  describeApi().then(
    (spec) => show({ spec, domNode: place, deepLinking: true, tryItOutEnabled: true, validatorUrl: null }),
    (error: unknown) => say(`The description of the API cannot be read. ${error}`),
  );
}
