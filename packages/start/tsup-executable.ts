import { isAscii } from 'node:buffer'
import type { Options } from 'tsup'

/**
 * How an executable is built: `bin.cjs`, which is called, and `main.cjs`, with everything in it but koffi, which is
 * native, and the engine, which only one command needs. CommonJS, because Node loads and caches one such file twice as
 * fast as the many of a bundle with dynamic imports.
 *
 * @param define - Expressions that others take the place of.
 */
export function executable(define: Record<string, string> = {}): Options {
  return {
    entry: { bin: 'src/bin.ts', main: 'src/executable.ts' },
    format: 'cjs',
    target: 'node20',
    outExtension: () => ({ js: '.cjs' }),
    clean: ['*.cjs'],
    splitting: false,
    sourcemap: false,
    minify: true,
    shims: true,
    removeNodeProtocol: false,
    noExternal: [/^(?!(?:koffi|@ctr\/engine)$)/],
    external: ['@ctr/engine'],
    define,
    esbuildOptions(options) {
      options.conditions = ['@ctr/source']
      options.keepNames = false
    },
    esbuildPlugins: [ascii],
  }
}

/**
 * Refuses what is not ASCII. One other character (in a regular expression, say, where none are escaped), and V8 holds
 * all of the text with two bytes a character.
 */
const ascii: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'ascii',
  setup(build) {
    build.onEnd(({ outputFiles = [] }) => {
      const errors = outputFiles
        .filter(({ contents }) => !isAscii(contents))
        .map(({ path, text }) => ({
          text: `${path} must be ASCII, write \\u....: ${notAscii.exec(text)![0]}`,
        }))
      return { errors }
    })
  },
}

// eslint-disable-next-line no-control-regex -- all of ASCII
const notAscii = /.{0,40}[^\x00-\x7f].{0,20}/
