import { defineConfig } from 'tsup'

export default defineConfig([
  // what programs import
  { entry: ['src/index.ts'], format: 'esm', target: 'node20', sourcemap: true, clean: ['*.js', '*.map'] },
  // what people call: one file with everything in it but koffi, which is native. CommonJS, because Node loads and
  // caches one such file twice as fast as the many of a bundle with dynamic imports
  {
    entry: ['src/bin.ts', 'src/main.ts'],
    format: 'cjs',
    target: 'node20',
    outExtension: () => ({ js: '.cjs' }),
    clean: ['*.cjs'],
    splitting: false,
    sourcemap: false,
    minify: true,
    shims: true,
    removeNodeProtocol: false,
    noExternal: [/^(?!koffi$)/],
    esbuildOptions(options) {
      options.conditions = ['@ctr/source']
      options.keepNames = false
      // commander can start other programs as commands; ours never does, and loading what it takes costs 3 ms
      options.alias = { 'node:child_process': './src/start/no-programs.ts' }
    },
  },
])
