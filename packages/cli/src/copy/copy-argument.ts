import { usageError } from '../errors.js'

/** An end of a copy as it was written: `CONTAINER:PATH`, a path of the host, or `-` for a tar. */
export type CopyArgument =
  | { readonly kind: 'container'; readonly container: string; readonly path: string }
  | { readonly kind: 'host'; readonly path: string }
  | { readonly kind: 'tar' }

/** What begins with a slash or a dot is a path of the host, whatever colons it has. */
export function parseCopyArgument(text: string): CopyArgument {
  if (text === '-') return { kind: 'tar' }
  const colon = text.indexOf(':')
  if (colon === -1 || /^[./]/.test(text)) return { kind: 'host', path: text }
  const [container, path] = [text.slice(0, colon), text.slice(colon + 1)]
  if (container === '' || path === '')
    throw usageError(`cannot copy ${text}: write CONTAINER:PATH, or ./${text} for a file of this name`)
  return { kind: 'container', container, path }
}
