/**
 * Whether a name is what a filter asks for. Docker matches names as regular expressions, and those of a stranger may take
 * for ever: only anchors mean something.
 */
export function matchesName(pattern: string, name: string): boolean {
  const plain = pattern.replace(/^\^?\/?/, '').replace(/\$$/, '')
  if (pattern.startsWith('^') && pattern.endsWith('$')) return name === plain
  if (pattern.startsWith('^')) return name.startsWith(plain)
  if (pattern.endsWith('$')) return name.endsWith(plain)
  return name.includes(plain)
}
