import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))

/** A program in one file for a Node process of its own; removed at the end of its block. */
export interface BundledProgram extends Disposable {
  readonly path: string
}

/** Bundles the text of a TypeScript program that imports packages by their names, with their sources. */
export function bundle(text: string): BundledProgram {
  const folder = makeFolder()
  const source = join(folder, 'program.ts')
  writeFileSync(source, text)
  return bundled(source, folder)
}

/** The same for a program in a file, for example beside the tests. */
export function bundleFile(source: string): BundledProgram {
  return bundled(source, makeFolder())
}

// below node_modules, so that what stays outside of the bundle is found
function makeFolder(): string {
  const cache = join(modules, '.cache')
  mkdirSync(cache, { recursive: true })
  return mkdtempSync(join(cache, 'ctr-program-'))
}

function bundled(source: string, folder: string): BundledProgram {
  const path = join(folder, 'program.mjs')
  // esbuild as a program: as a library it would leave a process running in this one
  execFileSync(join(modules, '.bin', 'esbuild'), [
    source,
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--target=node20',
    '--conditions=@ctr/source',
    '--external:koffi',
    // large, and not what such programs are about
    '--external:@aws-sdk/client-cloudwatch-logs',
    '--external:google-auth-library',
    // some dependencies are CommonJS
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
