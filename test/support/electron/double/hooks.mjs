const double = new URL('./electron.ts', import.meta.url).href

/** Resolves `electron` to its double, and everything else as before. */
export async function resolve(specifier, context, next) {
  return await next(specifier === 'electron' ? double : specifier, context)
}
