import { defineConfig } from 'tsup'
import { executable } from '../start/tsup-executable.js'

export default defineConfig([
  // what programs import
  { entry: ['src/index.ts'], format: 'esm', target: 'node20', sourcemap: true, clean: ['*.js', '*.map'] },
  // what people call
  executable(),
])
