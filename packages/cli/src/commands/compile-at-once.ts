import { setFlagsFromString } from 'node:v8'

/**
 * From now on V8 makes simple machine code of each function that is called for the first time, until this is disposed
 * of. By itself it interprets a function some hundred times before, and whatever a daemon does for a container it does
 * once for each: the first hundred would wait a third longer.
 *
 * Code that has run by now stays as it is: what is run once to load a module is not worth the memory. And whatever keeps
 * compiled code for the next process does so after this is disposed of, or V8 would not take it back.
 */
export function compileAtOnce(): Disposable {
  setFlagsFromString('--always-sparkplug')
  return {
    [Symbol.dispose]: () => {
      setFlagsFromString('--no-always-sparkplug')
    },
  }
}
