import { execFileSync } from 'node:child_process'
import { defineConfig } from 'tsup'
import { executable } from '../start/tsup-executable.js'

export default defineConfig([
  // what programs import
  { entry: ['src/index.ts'], format: 'esm', target: 'node20', sourcemap: true, clean: ['*.js', '*.map'] },
  // what engines call
  executable({ 'process.env.CTR_RUNTIME_COMMIT': JSON.stringify(commit()) }),
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
