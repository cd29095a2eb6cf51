// Runs the build script of the service's crate in a separate package with the same files and no dependencies. Stubs of
// `node` and `npm` log their calls.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';

const crate = join(import.meta.dirname, '../..');
/** npm commands of one successful build. */
const oneBuild = ['ping', 'ci', 'run'];
let folder;
let graphiql;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sends-build-'));
  graphiql = join(folder, 'graphiql');
  cpSync(join(crate, 'build'), join(folder, 'build'), { recursive: true });
  for (const name of ['.npmrc', 'index.html', 'package.json', 'package-lock.json', 'vite.config.js', 'src']) {
    cpSync(join(crate, 'graphiql', name), join(graphiql, name), { recursive: true });
  }
  mkdirSync(join(graphiql, 'dist'));
  writeFileSync(join(graphiql, 'dist/.gitignore'), '*\n');
  mkdirSync(join(folder, 'src'));
  writeFileSync(
    join(folder, 'Cargo.toml'),
    `[package]
name = "page"
version = "0.1.0"
edition = "2024"
build = "build/build.rs"
[features]
default = ["web"]
web = []
[workspace]
`,
  );
  writeFileSync(
    join(folder, 'src/main.rs'),
    `const BUNDLE: Option<(&str, &[(&str, &[u8])])> = include!(concat!(env!("OUT_DIR"), "/graphiql_bundle.rs"));
fn main() {
    println!("{}", BUNDLE.map_or("no bundle", |(page, _)| page));
}
`,
  );
  // The folder has links to all programs except Node.js and npm, because the linker is required.
  const tools = join(folder, 'tools');
  mkdirSync(tools);
  for (const path of process.env.PATH.split(delimiter).filter((path) => existsSync(path))) {
    for (const name of readdirSync(path)) {
      if (!['node', 'npm'].includes(name) && !existsSync(join(tools, name))) {
        rmSync(join(tools, name), { force: true });
        symlinkSync(join(path, name), join(tools, name));
      }
    }
  }
  mkdirSync(join(folder, 'node'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function program(name, script) {
  const path = join(folder, 'node', name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

/**
 * Adds stubs to the PATH of the next builds. `ping` and `install` are the shell commands of `npm ping` and `npm ci`.
 */
function provideNode({ version = 'v20.19.0', ping = ':', install = 'mkdir node_modules' } = {}) {
  program('node', `echo ${version}`);
  program(
    'npm',
    `echo "$1" >> ${folder}/npm-calls
case "$1" in
ping) ${ping} ;;
ci) ${install} ;;
run) mkdir -p dist/page/graphiql && echo bundled > dist/page/index.html && echo > dist/page/graphiql/main-1.js.gz ;;
esac`,
  );
}

function npmCalls() {
  const log = join(folder, 'npm-calls');
  return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
}

function cargo(web, options = []) {
  const env = { ...process.env, PATH: [join(folder, 'node'), join(folder, 'tools')].join(delimiter) };
  for (const name of Object.keys(env)) {
    if (/^(CARGO_TARGET_DIR|CARGO_BUILD_.*|NODE_TEST_CONTEXT|SENDS_WEB)$/.test(name)) delete env[name];
  }
  if (web !== undefined) env.SENDS_WEB = web;
  const program = process.env.CARGO ?? 'cargo';
  const ran = spawnSync(program, ['run', '--verbose', ...options], { cwd: folder, env, encoding: 'utf8', timeout: 120_000 });
  return {
    succeeded: ran.status === 0,
    page: ran.stdout.trim(),
    messages: ran.stderr.split('\n').filter((line) => /^(warning|error): page/.test(line)),
    compiled: / Compiling /.test(ran.stderr),
    everything: ran.stderr,
  };
}

function build(web, options) {
  const built = cargo(web, options);
  assert.ok(built.succeeded, built.everything);
  return built;
}

test('a build without Node.js succeeds, warns once and is not rerun', () => {
  const built = build();
  assert.equal(built.page, 'no bundle');
  assert.equal(built.messages.length, 1);
  assert.match(built.messages[0], /GraphiQL is not embedded: there is no Node\.js on the PATH.*cdn\.jsdelivr\.net.*plain page/);
  const again = build();
  assert.equal(again.compiled, false);
  // Cargo repeats the warnings of a build script that it does not rerun.
  assert.deepEqual(again.messages, built.messages);
});

test('a build with SENDS_WEB=require and without Node.js fails with the reason', () => {
  const built = cargo('require');
  assert.equal(built.succeeded, false);
  assert.match(built.messages[0], /^error: .*SENDS_WEB=require demands: there is no Node\.js on the PATH/);
});

test('an outdated Node.js is reported with its version', () => {
  for (const version of ['v18.20.4', 'v20.18.3', 'v22.11.0']) {
    provideNode({ version });
    assert.match(cargo('require').everything, new RegExp(`Node\\.js ${version} on the PATH is not supported; version 20\\.19`));
  }
  assert.deepEqual(npmCalls(), []);
});

test('the bundle is built once for all profiles, and rebuilt after a source is changed or added', () => {
  provideNode();
  const built = build();
  assert.equal(built.page, 'bundled');
  assert.deepEqual(built.messages, []);
  assert.equal(build().compiled, false);
  assert.equal(build(undefined, ['--release']).page, 'bundled');
  assert.deepEqual(npmCalls(), oneBuild);
  writeFileSync(join(graphiql, 'src/service.js'), '// changed');
  build();
  writeFileSync(join(graphiql, 'src/added.js'), '');
  build();
  build(undefined, ['--release']);
  assert.deepEqual(npmCalls(), [...oneBuild, ...oneBuild, ...oneBuild]);
  assert.equal(build().compiled, false);
});

test('packages remain neither in the source tree nor in the target folder', () => {
  provideNode();
  build();
  assert.deepEqual(readdirSync(join(graphiql, 'dist')).sort(), ['.gitignore', 'page']);
  const left = readdirSync(folder, { recursive: true }).filter((path) => path.endsWith('node_modules'));
  assert.deepEqual(left, []);
});

test('a current bundle needs no Node.js, and a deleted bundle is restored from the target folder', () => {
  provideNode();
  build();
  rmSync(join(folder, 'node'), { recursive: true });
  rmSync(join(graphiql, 'dist/page'), { recursive: true });
  assert.equal(build('require').page, 'bundled');
  rmSync(join(folder, 'target'), { recursive: true });
  assert.equal(build('require').page, 'bundled');
});

test('a build with a read-only source tree succeeds', () => {
  provideNode();
  // A file replaces the folder, since permissions do not restrict the superuser.
  rmSync(join(graphiql, 'dist'), { recursive: true });
  writeFileSync(join(graphiql, 'dist'), '');
  const built = build();
  assert.equal(built.page, 'bundled');
  assert.deepEqual(built.messages, []);
  assert.equal(build().compiled, false);
  assert.deepEqual(npmCalls(), oneBuild);
});

/** Returns a shell command that prints npm's messages for an error and fails. */
function failing(code, cause) {
  return `printf "npm error code ${code}\\nnpm error syscall x\\nnpm error network ${cause}\\n" >&2; exit 1`;
}

test('a failure of npm is reported with its cause, and only SENDS_WEB=require retries', () => {
  provideNode({ install: failing('E404', 'no such package') });
  const built = build();
  assert.equal(built.page, 'no bundle');
  assert.match(built.messages[0], /`npm ci` failed: network no such package\. /);
  assert.equal(build().compiled, false);
  assert.deepEqual(npmCalls(), ['ping', 'ci']);
  assert.match(cargo('require').everything, /demands: `npm ci` failed: network no such package/);
  assert.deepEqual(npmCalls(), ['ping', 'ci', 'ping', 'ci']);
  provideNode();
  assert.equal(build('require').page, 'bundled');
});

test('packages are requested from a registry without a ping, but not from an unreachable registry', () => {
  provideNode({ ping: failing('ENOTFOUND', 'getaddrinfo ENOTFOUND') });
  assert.match(build().messages[0], /`npm ping` failed: network getaddrinfo ENOTFOUND/);
  assert.deepEqual(npmCalls(), ['ping']);
  provideNode({ ping: failing('E404', 'no ping') });
  assert.equal(build('require').page, 'bundled');
});

test('a build without a bundle uses the bundle of another build', () => {
  build();
  provideNode();
  build('require', ['--release']);
  rmSync(join(folder, 'node'), { recursive: true });
  assert.equal(build().page, 'bundled');
});

test('SENDS_WEB=skip or a disabled feature omits the bundle and runs no program', () => {
  provideNode();
  for (const built of [build('skip'), build('require', ['--no-default-features'])]) {
    assert.equal(built.page, 'no bundle');
    assert.deepEqual(built.messages, []);
  }
  assert.deepEqual(npmCalls(), []);
  assert.equal(build('auto').page, 'bundled');
  assert.equal(build('skip').page, 'no bundle');
});

test('any other value of SENDS_WEB is an error', () => {
  for (const value of ['yes', '']) {
    const built = cargo(value);
    assert.equal(built.succeeded, false);
    assert.match(built.messages[0], /SENDS_WEB is ".*": set it to auto, require or skip, or unset it/);
  }
});
