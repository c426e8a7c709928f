import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

/**
 * Makes one file of each test and all the sources that it uses. Loading hundreds of modules one by one takes minutes on
 * a processor that is translated.
 *
 * @param {string} project - Folder of the project.
 * @param {string[]} tests - Paths of tests below it.
 * @param {string} name - Of the machine.
 * @returns {Promise<string>} The folder that they are in, below the names of their packages.
 */
export async function compileTests(project, tests, name) {
  const compiled = fileURLToPath(new URL(`.test-dist-${name}`, import.meta.url))
  rmSync(compiled, { recursive: true, force: true })
  await build({
    absWorkingDir: project,
    entryPoints: tests,
    outdir: compiled,
    outbase: '.',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@ctr/source'],
    external: ['@jest/globals', 'koffi', '@aws-sdk/client-cloudwatch-logs', 'google-auth-library'],
    // some dependencies are CommonJS
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    plugins: [ownAddresses],
    logLevel: 'error',
  })
  return compiled
}

/** Not the one in the text of a program that @ctr/testing bundles itself. */
const own = /(?<!requireFrom\()import\.meta\.url/g

/** Modules that look for files beside them find them where they were. */
const ownAddresses = {
  name: 'own-addresses',
  setup({ onLoad }) {
    onLoad({ filter: /packages\/.*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      if (text.search(own) < 0) return undefined
      return {
        contents: text.replaceAll(own, JSON.stringify(pathToFileURL(path).href)),
        loader: 'ts',
      }
    })
  },
}
