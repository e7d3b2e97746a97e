package lab

import "slices"

// worlds are the domains of the lab, best to worst, then the oddities, then the scenery.
// A number in net is given once and stays, so that addresses do.
var worlds = slices.Concat(protected, open, exposed, oddities, scenery)
