import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  target: 'node20',
  clean: true,
  sourcemap: true,
  // of its 200 files, each of which costs memory, a few are used
  noExternal: ['@sinclair/typebox'],
})
