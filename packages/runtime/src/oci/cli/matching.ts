import type { OciContainer } from '../container.js'
import type { OciRuntime } from '../runtime.js'
import { messageOf } from './message-of.js'
import { usageError } from './usage-error.js'

/**
 * Containers whose ids a regular expression finds anything in.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: no regular expression.
 */
export function matching(runtime: OciRuntime, pattern: string): readonly OciContainer[] {
  let expression: RegExp
  try {
    expression = new RegExp(pattern)
  } catch (cause) {
    throw usageError(`invalid regular expression ${pattern}`, { cause })
  }
  return runtime.list().filter(({ id }) => expression.test(id))
}

/** Does something with each container, and reports what failed when all had their turn. */
export async function forEach(
  containers: readonly OciContainer[],
  action: (container: OciContainer) => void | Promise<void>,
): Promise<void> {
  const errors: unknown[] = []
  for (const container of containers) {
    try {
      await action(container)
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors, errors.map(messageOf).join('; '))
}
