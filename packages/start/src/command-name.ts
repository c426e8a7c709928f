/**
 * The command among arguments, as far as it can be told without reading options: `-` when there is none.
 *
 * @param withValue - Options before the command whose value is an argument of its own.
 */
export function commandName(argv: readonly string[], withValue: ReadonlySet<string>): string {
  let n = 0
  while (argv[n]?.startsWith('-') === true) n += withValue.has(argv[n]!) ? 2 : 1
  const name = argv[n] ?? ''
  return /^[a-z]{1,16}$/.test(name) ? name : '-'
}
