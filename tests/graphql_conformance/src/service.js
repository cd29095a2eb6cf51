// Programs under test: a simulated upstream, and the service with a complete log.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Timeout in milliseconds for the start of a program and for a synchronisation. */
const START_LIMIT = 60_000;

// `SENDS_` settings of the caller's environment must not affect the programs.
const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SENDS_')));

async function start(program, options, env) {
  const child = spawn(program, options, { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  const origin = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${program} ${why}:\n${log.join('\n')}`));
    const timer = setTimeout(() => fail('does not listen'), START_LIMIT);
    child.once('error', reject);
    child.once('close', () => fail('ended'));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        if (log.length < 100) log.push(line);
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
        if (found) {
          clearTimeout(timer);
          resolve(found);
        }
      });
    }
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  return {
    origin,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export async function startService({ service, sandbox }) {
  const state = mkdtempSync(join(tmpdir(), 'sends-conformance-'));
  const unpaced = ['--rate-per-second', '0', '--rate-per-day', '0'];
  const upstream = await start(sandbox, ['--listen', '127.0.0.1:0', ...unpaced], {});
  const stopUpstream = async () => {
    await upstream.stop();
    rmSync(state, { recursive: true, force: true });
  };
  try {
    const env = { SENDS_STATE_DIR: state, SENDS_ACCESS_TOKEN: 'sandbox-access-token' };
    const account = ['--upstream-url', `${upstream.origin}/v3`, ...unpaced];
    const filled = spawnSync(service, ['sync', ...account], {
      env: { ...inherited, ...env },
      encoding: 'utf8',
      timeout: START_LIMIT,
    });
    if (filled.status !== 0) throw new Error(`the log could not be filled:\n${filled.stderr}`);
    // All data stays fresh during the test, and no operation is rejected as too expensive.
    const running = await start(
      service,
      [
        'serve',
        '--listen',
        '127.0.0.1:0',
        ...account,
        ...['--max-age', '86400', '--max-upstream-calls', '1000000', '--max-answer-values', '10000000'],
      ],
      env,
    );
    return {
      url: `${running.origin}/graphql`,
      stop: async () => {
        await running.stop();
        await stopUpstream();
      },
    };
  } catch (error) {
    await stopUpstream();
    throw error;
  }
}

/**
 * Creates a client of the service. The client returns the response as text, because the order of its names is
 * significant.
 */
export function client(url) {
  return async (query, variables, operationName) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query, variables, operationName }),
    });
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      throw new Error(`status ${response.status}, no JSON: ${text}\n${query}`);
    }
  };
}
