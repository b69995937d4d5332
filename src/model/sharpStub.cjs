'use strict';
// Stands in for `sharp` when transformers.js is bundled: it imports that package on load, for images only, which a language model never sees.
module.exports = {};
