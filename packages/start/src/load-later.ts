/**
 * Modules of Node that take one to ten milliseconds to load, and that most commands import without calling them: a
 * package that can also pull an image imports `node:http`, whether one is pulled or not.
 */
const costly: ReadonlySet<string> = new Set([
  'node:child_process',
  'node:crypto',
  'node:fs/promises',
  'node:http',
  'node:https',
  'node:net',
  'node:stream',
  'node:stream/promises',
  'node:timers/promises',
  'node:zlib',
])

/**
 * A `require` that loads such a module when something of it is first used. What compilers make of
 * `import { createHash } from 'node:crypto'` asks the module for `createHash` at each call, so nothing else changes.
 */
export function loadLater(require: NodeJS.Require): (id: string) => unknown {
  const stands = new Map<string, object>()
  return (id) => {
    if (!costly.has(id)) return require(id) as unknown
    let stand = stands.get(id)
    if (stand === undefined) stands.set(id, (stand = standInFor(() => require(id) as object)))
    return stand
  }
}

/** An object that is made when it is first looked at. */
function standInFor(load: () => object): object {
  let made: object | undefined
  const real = (): object => (made ??= load())
  return new Proxy(
    {},
    {
      get: (_target, key) => Reflect.get(real(), key) as unknown,
      has: (_target, key) => Reflect.has(real(), key),
      ownKeys: () => Reflect.ownKeys(real()),
      getOwnPropertyDescriptor(_target, key) {
        const found = Reflect.getOwnPropertyDescriptor(real(), key)
        return found === undefined ? undefined : { ...found, configurable: true } // the target has none of them
      },
    },
  )
}
