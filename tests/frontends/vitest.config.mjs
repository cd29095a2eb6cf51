import { transformSync } from '@babel/core';
import { defineConfig } from 'vitest/config';

// Replaces Relay's `graphql` tags with imports of the compiled artifacts.
const relay = {
  name: 'relay',
  enforce: 'pre',
  transform(code, id) {
    if (!id.includes('/src/relay/') || !code.includes('graphql`')) return undefined;
    return transformSync(code, {
      filename: id,
      babelrc: false,
      configFile: false,
      sourceMaps: true,
      parserOpts: { plugins: ['typescript'] },
      plugins: [['relay', { eagerEsModules: true }]],
    });
  },
};

export default defineConfig({
  plugins: [relay],
  test: { include: ['src/**/*.test.ts'], environment: 'node', testTimeout: 20_000 },
});
