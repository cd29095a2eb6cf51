// Runs the built service on a free loopback port with invented data.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Path of the program under test, by default the output of Cargo. */
export const program =
  process.env['FRONTENDS_PROGRAM'] ??
  fileURLToPath(new URL('../../../target/debug/sends-graphql', import.meta.url));

/** Activity of Constant Contact's own guide, with two sends, the second of which reached no contact. */
export const GUIDE = '1ead98be-dfa0-4e04-81f7-5f1534d42e9c';
/** Activity that was sent forty times. */
export const WEEKLY = 'feed0000-0000-4000-8000-000000000013';
/** Activity with one send to more contacts than a 32-bit integer can represent. */
export const HUGE = 'feed0000-0000-4000-8000-000000000016';
export const UNKNOWN = '00000000-0000-4000-8000-000000000000';

export interface Service {
  url: string;
  stop(): Promise<void>;
}

/** Starts the service with the odd records: an activity with fixed dates for each form of response. */
export const startService = (...options: string[]) => startSandbox('--sandbox-odd-records', ...options);

/** Starts the service with its default data: recent campaigns of a small shop. */
export async function startSandbox(...options: string[]): Promise<Service> {
  // `SENDS_` settings of the caller's environment must not affect the program.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SENDS_')));
  const child = spawn(program, ['--sandbox', '--listen', '127.0.0.1:0', ...options], {
    env: { ...env, RUST_LOG: 'info' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const log: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    void ended.then(() => reject(new Error(`the service did not start:\n${log.join('\n')}`)));
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line);
      const address = /http:\/\/127\.0\.0\.1:\d+\/graphql/.exec(line)?.[0];
      if (address) resolve(address);
    });
  });
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Wraps `fetch`, counts the requests and records their bodies. */
export function countingFetch() {
  const seen = { requests: 0, bodies: [] as string[] };
  const counting: typeof fetch = (input, init) => {
    seen.requests += 1;
    seen.bodies.push(typeof init?.body === 'string' ? init.body : '');
    return fetch(input, init);
  };
  return Object.assign(counting, { seen });
}
