/**
 * Which proxy a URL asks for, in the environment's words: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in
 * capitals or not. Node 20 reads none of them.
 */
import { PipelineError } from '../../schemas/errors.ts';

/** The proxy for a URL, or null for the direct way. */
export function proxyFor(url: URL, environment: NodeJS.ProcessEnv): URL | null {
  const read = (name: string) => environment[name.toLowerCase()] || environment[name.toUpperCase()];
  if (isExempt(url, read('no_proxy') ?? '')) return null;
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const text = read(name) ?? read('all_proxy');
  if (text === undefined) return null;
  // curl's and wget's users write the host alone, too.
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(whole) ? new URL(whole) : null;
  if (proxy === null || !/^https?:$/.test(proxy.protocol)) {
    const message = `Expected the environment's ${name.toUpperCase()} to be a URL such as http://proxy.example:3128, found ${JSON.stringify(text)}; correct it, or unset it.`;
    throw new PipelineError('USAGE', message);
  }
  return proxy;
}

/** Hosts in NO_PROXY stand for themselves and what lies below them, with or without a port; * for all. */
function isExempt({ hostname, port, protocol }: URL, list: string): boolean {
  const ownPort = port || (protocol === 'https:' ? '443' : '80');
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [, domain, onlyPort] = /^(.*?)(?::(\d+))?$/.exec(entry)!;
      const bare = domain!.replace(/^\*?\./, '').toLowerCase();
      const isHost = entry === '*' || hostname === bare || hostname.endsWith(`.${bare}`);
      return isHost && (onlyPort === undefined || onlyPort === ownPort);
    });
}

/** The header with which a proxy knows its user, where the URL names one. */
export function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(plain).toString('base64')}` };
}
