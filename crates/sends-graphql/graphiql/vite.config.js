import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const folder = 'graphiql';

/** Leaves every file but the page compressed only: the binary carries one form of each, and every browser takes this one. */
function compressed() {
  return {
    name: 'compressed',
    apply: 'build',
    closeBundle() {
      const files = join(import.meta.dirname, 'dist/page', folder);
      for (const name of readdirSync(files)) {
        const path = join(files, name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
        rmSync(path);
      }
    },
  };
}

export default defineConfig({
  // The page is `/graphiql` and its files are `/graphiql/…`, wherever a proxy puts the two.
  base: './',
  build: {
    outDir: 'dist/page',
    assetsDir: folder,
    assetsInlineLimit: 0,
    // The editor is large by nature.
    chunkSizeWarningLimit: 5000,
    // Names its own polyfill in an inline script, which the page's policy forbids; browsers of today need none.
    modulePreload: { polyfill: false },
    license: { fileName: `${folder}/licences.md` },
    rolldownOptions: {
      // Marks for servers that render React, which there is none of here.
      onLog: (level, log, next) => log.code === 'MODULE_LEVEL_DIRECTIVE' || next(level, log),
    },
  },
  plugins: [compressed()],
});
