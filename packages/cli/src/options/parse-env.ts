import { readFileSync } from 'node:fs'
import { messageOf, usageError } from '../errors.js'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads `-e`: `NAME=value`, or `NAME` for the value that it has here; one that is unset here is left out.
 *
 * @param host - Our own environment.
 */
export function parseEnv(lines: readonly string[], host: Environment = process.env): Record<string, string> {
  const env: Record<string, string> = {}
  for (const line of lines) {
    const at = line.indexOf('=')
    const name = at < 0 ? line : line.slice(0, at)
    const value = at < 0 ? host[name] : line.slice(at + 1)
    if (name === '') throw usageError(`invalid environment variable: ${line}`)
    if (value !== undefined) env[name] = value
  }
  return env
}

/**
 * Reads the text of an `--env-file` or a `--label-file`: a variable a line as for {@link parseEnv}; lines that are empty or begin
 * with `#` are skipped, white space before a name is too, and everything behind `=` is the value, quotes included.
 */
export function parseEnvFile(
  text: string,
  path: string,
  what: 'environment' | 'label' = 'environment',
): readonly string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((raw, n) => {
      const line = raw.replace(/\r$/, '').trimStart()
      if (line === '' || line.startsWith('#')) return []
      const name = line.split('=', 1)[0]!
      if (name === '' || /\s/.test(name)) {
        throw usageError(
          `invalid ${what} file ${path}, line ${n + 1}: ${JSON.stringify(name)} is no name of a ${what === 'label' ? what : 'variable'}`,
        )
      }
      return [line]
    })
}

/** The environment of `--env-file` and `-e` together; what stands later wins. */
export function readEnvironment(
  files: readonly string[],
  lines: readonly string[],
  host: Environment = process.env,
): Record<string, string> {
  return parseEnv([...readLines(files, 'environment'), ...lines], host)
}

/** The lines of such files. @throws `CliError` `ERR_CLI_USAGE`: one cannot be read, or a line cannot be. */
export function readLines(files: readonly string[], what: 'environment' | 'label'): readonly string[] {
  return files.flatMap((path) => {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (cause) {
      throw usageError(`cannot read the ${what} file: ${messageOf(cause)}`)
    }
    return parseEnvFile(text, path, what)
  })
}
