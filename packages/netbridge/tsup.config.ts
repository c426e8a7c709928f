import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', 'ctr-cni': 'src/cni/plugin/ctr-cni.ts' },
  format: 'esm',
  target: 'node20',
  clean: true,
  sourcemap: true,
})
