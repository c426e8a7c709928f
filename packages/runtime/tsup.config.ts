import { execFileSync } from 'node:child_process'
import { defineConfig } from 'tsup'

export default defineConfig([
  // what programs import
  { entry: ['src/index.ts'], format: 'esm', target: 'node20', sourcemap: true, clean: ['*.js', '*.map'] },
  // what engines call: one file with everything in it but koffi, which is native. As for ctrjs, see there
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
    define: { 'process.env.CTR_RUNTIME_COMMIT': JSON.stringify(commit()) },
    esbuildOptions(options) {
      options.conditions = ['@ctr/source']
      options.keepNames = false
    },
  },
])

/** The commit that is built, for `ctr-runtime --version`; empty where there is no repository. */
function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--abbrev=40', '--dirty', '--exclude=*'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return ''
  }
}
