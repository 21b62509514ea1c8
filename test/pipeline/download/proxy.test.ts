/** Which proxy is taken, and that both kinds of URL go through it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { httpGet } from '../../../pipeline/download/http-get.ts';
import { proxyFor } from '../../../pipeline/download/proxy.ts';
import { temporaryFolder } from '../../store/support/temporary-folder.ts';
import { fileServer, listen } from './file-server.ts';

const OPENSSL = spawnSync('openssl', ['version']).status === 0;

describe('the proxy', () => {
  const proxy = (address: string, environment: NodeJS.ProcessEnv) =>
    proxyFor(new URL(address), environment)?.href ?? null;

  it.each([
    ['https://a.org/x', { HTTPS_PROXY: 'http://p:3128' }, 'http://p:3128/'],
    ['https://a.org/x', { https_proxy: 'p:3128', HTTPS_PROXY: 'q:1' }, 'http://p:3128/'],
    ['https://a.org/x', { HTTP_PROXY: 'http://p:3128' }, null],
    ['http://a.org/x', { HTTP_PROXY: 'http://p:3128' }, 'http://p:3128/'],
    ['http://a.org/x', { all_proxy: 'https://p' }, 'https://p/'],
    ['http://a.org/x', {}, null],
    ['http://a.org/x', { http_proxy: '' }, null],
    ['http://a.org/x', { http_proxy: 'p', no_proxy: 'b.org, a.org' }, null],
    ['http://c.a.org/x', { http_proxy: 'p', NO_PROXY: '.a.org' }, null],
    ['http://ca.org/x', { http_proxy: 'p', NO_PROXY: 'a.org' }, 'http://p/'],
    ['http://a.org/x', { http_proxy: 'p', NO_PROXY: 'a.org:81' }, 'http://p/'],
    ['http://a.org:81/x', { http_proxy: 'p', NO_PROXY: 'a.org:81' }, null],
    ['http://a.org/x', { http_proxy: 'p', NO_PROXY: '*' }, null],
  ])('for %s with %j is %s', (address, environment, expected) => {
    expect(proxy(address, environment)).toBe(expected);
  });

  it.each(['socks5://p:1080', 'http://'])('%s is none', (address) => {
    expect(() => proxy('https://a.org', { https_proxy: address })).toThrow(
      `Expected the environment's HTTPS_PROXY to be a URL such as http://proxy.example:3128, found "${address}"; correct it, or unset it.`,
    );
  });
});

/** A proxy that notes what it is asked for and with which authorization. */
async function startProxy(refusal?: number) {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url} ${incoming.headers['proxy-authorization']}`);
    request(incoming.url!, (answer) => answer.pipe(response.writeHead(answer.statusCode!))).end();
  });
  server.on('connect', (incoming, socket) => {
    asked.push(`${incoming.method} ${incoming.url} ${incoming.headers['proxy-authorization']}`);
    if (refusal !== undefined) return socket.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
    const [host, port] = incoming.url!.split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [socket, onward]) end.on('error', () => undefined);
  });
  return { asked, url: `http://ann:p%40ss@127.0.0.1:${await listen(server)}` };
}

const options = (environment: NodeJS.ProcessEnv) => ({
  headers: {},
  environment,
  signal: new AbortController().signal,
  idleMs: 5000,
});
const AUTHORIZATION = `Basic ${Buffer.from('ann:p@ss').toString('base64')}`;

describe('a URL', () => {
  it('of http is asked of the proxy', async () => {
    const proxy = await startProxy();
    const server = await fileServer(Buffer.from('over http'));
    const answer = await httpGet(server.url, options({ http_proxy: proxy.url }));
    expect(await text(answer)).toBe('over http');
    expect(proxy.asked).toEqual([`GET ${server.url} ${AUTHORIZATION}`]);
  });

  it.skipIf(!OPENSSL)(
    `of https goes through a tunnel${OPENSSL ? '' : ' (skipped: no openssl)'}`,
    async () => {
      const folder = await temporaryFolder();
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
      const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert];
      spawnSync('openssl', [...made, '-subj', '/CN=localhost', '-days', '2']);
      const secure = { key: readFileSync(key), cert: readFileSync(cert) };
      const port = await listen(createSecureServer(secure, (_, response) => response.end('over https')));
      const proxy = await startProxy();
      const get = () => httpGet(`https://localhost:${port}/f`, options({ https_proxy: proxy.url }));
      await expect(get()).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });

      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
      onTestFinished(() => {
        delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      });
      expect(await text(await get())).toBe('over https');
      expect(proxy.asked.at(-1)).toBe(`CONNECT localhost:${port} ${AUTHORIZATION}`);
    },
  );

  it('that the proxy refuses is told', async () => {
    const proxy = await startProxy(407);
    const host = new URL(proxy.url).host;
    await expect(httpGet('https://localhost:1/f', options({ https_proxy: proxy.url }))).rejects.toThrow(
      `the proxy ${host} refuses (HTTP 407)`,
    );
  });
});
