import { invalidConfig } from '../config/invalid-config.js'

/**
 * The environment of a process: of variables that are there twice the last one counts, and `HOME` is filled in where
 * it is missing or empty.
 *
 * @param variables - `NAME=value` each, as in the config.
 * @param home - Finds out what `HOME` is to be; see `homeIn`.
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: a variable without `=`, without a name, or with a NUL byte.
 */
export function environmentOf(
  variables: readonly string[],
  home: () => string,
): Readonly<Record<string, string>> {
  const environment = new Map<string, string>()
  for (const variable of variables) {
    const equals = variable.indexOf('=')
    if (equals === -1) throw invalid(variable, "missing '='")
    if (equals === 0) throw invalid(variable, 'name cannot be empty')
    if (variable.includes('\0')) throw invalid(variable.slice(0, equals), 'contains a nul byte')
    environment.set(variable.slice(0, equals), variable.slice(equals + 1))
  }
  if ((environment.get('HOME') ?? '') === '') environment.set('HOME', home())
  return Object.fromEntries(environment)
}

function invalid(variable: string, why: string): Error {
  return invalidConfig(`invalid environment variable ${JSON.stringify(variable.slice(0, 80))}: ${why}`)
}
