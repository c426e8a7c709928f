import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))

/** Bundles a program that imports packages by their names, from their sources, for a Node process of its own. */
export function bundle(text: string): { readonly path: string } & Disposable {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'program-'))
  const source = join(folder, 'program.ts')
  writeFileSync(source, text)
  return bundled(source, folder)
}

/** The same for a program that is a file beside the tests. */
export function bundleFile(source: string): { readonly path: string } & Disposable {
  mkdirSync(cache, { recursive: true })
  return bundled(source, mkdtempSync(join(cache, 'program-')))
}

function bundled(source: string, folder: string): { readonly path: string } & Disposable {
  const path = join(folder, 'program.mjs')
  // esbuild as a program: as a library it would leave a process running in this one
  execFileSync(join(root, 'node_modules', '.bin', 'esbuild'), [
    source,
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--target=node20',
    '--conditions=@ctr/source',
    '--external:koffi',
    // packages below use CommonJS modules
    "--banner:js=import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    `--outfile=${path}`,
    '--log-level=error',
  ])
  return {
    path,
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
