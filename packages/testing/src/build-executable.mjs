import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'

/**
 * Builds the executable of a package, once for all of its tests that are about to run, beside its `package.json` as the
 * real one.
 *
 * @param {string} variable - Is to name the folder in the environment of the tests.
 * @param {string} folder - Of the package.
 */
export function buildExecutable(variable, folder) {
  const built = mkdtempSync(join(folder, '.test-dist-'))
  chmodSync(built, 0o755) // ordinary users run it too
  process.once('exit', () => rmSync(built, { recursive: true, force: true }))
  process.env[variable] = built
  const tsup = dirname(createRequire(import.meta.url).resolve('tsup/package.json'))
  execFileSync(
    process.execPath,
    [join(tsup, 'dist/cli-default.js'), '--silent', '--out-dir', basename(built)],
    { cwd: folder, env: { ...process.env, NODE_OPTIONS: '' } },
  )
}
