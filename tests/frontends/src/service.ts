// The built service as a process: started on a free loopback port with invented data, ended by its process id.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The program under test. Cargo puts it there; elsewhere it is named by this variable. */
export const program =
  process.env['FRONTENDS_PROGRAM'] ??
  fileURLToPath(new URL('../../../target/debug/sends-graphql', import.meta.url));

/** The activity of Constant Contact's own guide: two sends, the second of which reached nobody. */
export const GUIDE = '1ead98be-dfa0-4e04-81f7-5f1534d42e9c';
/** Sent forty times. */
export const WEEKLY = 'feed0000-0000-4000-8000-000000000013';
/** Sent once, to more contacts than 32 bits can count. */
export const HUGE = 'feed0000-0000-4000-8000-000000000016';
/** Never heard of. */
export const UNKNOWN = '00000000-0000-4000-8000-000000000000';

export interface Service {
  /** Where it answers GraphQL. */
  url: string;
  stop(): Promise<void>;
}

/** With the odd records: an activity for each form that an answer can take, with dates that never change. */
export const startService = (...options: string[]) => startSandbox('--sandbox-odd-records', ...options);

/** As it comes, with recent campaigns of a small shop. */
export async function startSandbox(...options: string[]): Promise<Service> {
  // Settings of whoever runs the tests must not reach the program.
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

/** A `fetch` that counts the requests it lets through, and remembers the last one's body. */
export function countingFetch() {
  const seen = { requests: 0, bodies: [] as string[] };
  const counting: typeof fetch = (input, init) => {
    seen.requests += 1;
    seen.bodies.push(typeof init?.body === 'string' ? init.body : '');
    return fetch(input, init);
  };
  return Object.assign(counting, { seen });
}
