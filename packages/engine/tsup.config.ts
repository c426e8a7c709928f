import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', 'systemd/index': 'src/systemd/index.ts' },
  format: 'esm',
  target: 'node20',
  clean: true,
  sourcemap: true,
})
