// For `node --import` in a process that stands for a utility process: it has a port to its parent, and never ends by itself.
Object.defineProperty(process, 'parentPort', { value: {}, enumerable: true })
setInterval(() => undefined, 2 ** 30)
