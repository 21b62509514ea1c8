/**
 * A GET whose body is the file's own bytes. `fetch` would unpack a .gz that a server sends with Content-Encoding, and
 * knows no proxy.
 */
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Refusal } from './answers.ts';
import { proxyAuthorization, proxyFor } from './proxy.ts';

const MOST_REDIRECTS = 10;
const REDIRECTS = [301, 302, 303, 307, 308];

export interface GetOptions {
  headers: Record<string, string>;
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** A server that sends nothing for so long is given up. */
  idleMs: number;
}

/** The answer to a GET, after redirects. Rejects where there is none. */
export async function httpGet(address: string, options: GetOptions): Promise<IncomingMessage> {
  let url = new URL(address);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const answer = await request(url, options);
    if (!REDIRECTS.includes(answer.statusCode!) || answer.headers.location === undefined) return answer;
    answer.destroy();
    const { location } = answer.headers;
    if (!URL.canParse(location, url.href))
      throw new Refusal(`sends on to ${location}, which is no address`, true);
    const next = new URL(location, url);
    const isWorse = url.protocol === 'https:' && next.protocol === 'http:';
    if (!/^https?:$/.test(next.protocol) || isWorse)
      throw new Refusal(`sends on to ${next.href}, which is not followed`, true);
    url = next;
  }
  throw new Refusal(`sends on more than ${MOST_REDIRECTS} times`, true);
}

async function request(url: URL, options: GetOptions): Promise<IncomingMessage> {
  const { headers, environment } = options;
  const proxy = proxyFor(url, environment);
  if (proxy === null) return send(url.protocol === 'https:' ? https : http, url, { headers }, options);
  if (url.protocol === 'https:') {
    const tunnel = await openTunnel(url, proxy, options);
    const createConnection = () => connectTls({ socket: tunnel, servername: url.hostname });
    return send(https, url, { headers, createConnection }, options);
  }
  const all = { Host: url.host, ...headers, ...proxyAuthorization(proxy) };
  return send(moduleFor(proxy), proxy, { headers: all, path: url.href }, options);
}

const moduleFor = ({ protocol }: URL) => (protocol === 'https:' ? https : http);

function send(
  module: typeof http | typeof https,
  url: URL,
  details: RequestOptions,
  { signal, idleMs }: GetOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = module.request(url, { ...details, agent: false, signal, timeout: idleMs });
    let answer: IncomingMessage | null = null;
    const giveUp = new Error(`nothing came for ${idleMs / 1000} s`);
    sent.on('timeout', () => (answer ?? sent).destroy(giveUp));
    sent.on('error', reject);
    sent.on('response', (response) => {
      answer = response;
      resolve(response);
    });
    sent.end();
  });
}

/** A connection through the proxy to the host of `url`, which is encrypted from end to end. */
function openTunnel(url: URL, proxy: URL, { signal, idleMs }: GetOptions): Promise<Socket> {
  const path = `${url.hostname}:${url.port || 443}`;
  const headers = { Host: path, ...proxyAuthorization(proxy) };
  const options = { method: 'CONNECT', path, headers, agent: false as const, signal, timeout: idleMs };
  return new Promise((resolve, reject) => {
    const sent = moduleFor(proxy).request(proxy, options);
    sent.on('timeout', () => sent.destroy(new Error(`the proxy ${proxy.host} does not answer`)));
    sent.on('error', reject);
    sent.on('connect', (answer, socket) => {
      if (answer.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new Refusal(`the proxy ${proxy.host} refuses (HTTP ${answer.statusCode})`, true));
    });
    sent.end();
  });
}
