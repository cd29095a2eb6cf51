import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const folder = 'graphiql';

/**
 * Replaces each file except the page with its gzip version, which all browsers accept. The binary then contains each
 * file only once.
 */
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
  // Relative URLs allow a proxy to serve the page and its files below a path prefix.
  base: './',
  build: {
    outDir: 'dist/page',
    assetsDir: folder,
    assetsInlineLimit: 0,
    // The chunk of GraphiQL's editor exceeds the default limit of 500 kB.
    chunkSizeWarningLimit: 5000,
    // The polyfill is an inline script, which the page's content security policy forbids. Current browsers need no
    // polyfill.
    modulePreload: { polyfill: false },
    license: { fileName: `${folder}/licences.md` },
    rolldownOptions: {
      // The bundler warns about React's `use client` directives, which affect only server-side rendering.
      onLog: (level, log, next) => log.code === 'MODULE_LEVEL_DIRECTIVE' || next(level, log),
    },
  },
  plugins: [compressed()],
});
