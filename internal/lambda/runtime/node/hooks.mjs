// The resolver of supplied.js for Node.js versions that run hooks in a thread
// of their own.

let parents = [];

export function initialize(data) {
  parents = data.parents;
}

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error.code === 'ERR_MODULE_NOT_FOUND' && !/^(\.|\/|[a-z]+:)/i.test(specifier)) {
      for (const parentURL of parents) {
        try {
          return await next(specifier, { ...context, parentURL });
        } catch (_) {
          // the first error is the one that names the user's file
        }
      }
    }
    throw error;
  }
}
